import { Table } from '@mantine/core'

/** A name, and what it is; what is not known (`undefined`, `false`, 0) is left out. */
type Fact = readonly [name: string, value: string | number | false | undefined]

/** Names and values, one under the other. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0}>
      <Table.Tbody>
        {facts.map(([name, value]) =>
          value === undefined || value === false || value === 0 ? null : (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400} c="dimmed" w="40%" pr="md">
                {name}
              </Table.Th>
              <Table.Td className="numbers">{value}</Table.Td>
            </Table.Tr>
          ),
        )}
      </Table.Tbody>
    </Table>
  )
}
