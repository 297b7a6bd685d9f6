import { ActionIcon, Badge, Button, Code, Group, Stack, Table, Text } from '@mantine/core'
import { IconBan, IconCheck, IconChevronDown, IconChevronRight, IconX } from '@tabler/icons-react'
import { useId, useState } from 'react'
import { useTranslations } from 'use-intl'
import { Facts } from '../parts/facts.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { TextLink } from '../parts/links.tsx'
import { Ago } from '../parts/time.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import type { AuditSearch } from '../queries/search.ts'
import { useWriting } from '../text/format.ts'
import type { AuditLine } from './audit-queries.ts'
import { differencesOf } from './differences.ts'

interface TableProps {
  lines: readonly AuditLine[]
  onSearch: (search: AuditSearch) => void
}

const columns = ['when', 'who', 'action', 'target', 'outcome', 'from'] as const

/** The lines of the trail; each opens what was sent, and what it changed. */
export function AuditTable({ lines, onSearch }: TableProps) {
  const t = useTranslations('audit')
  return (
    <WideTable label={t('title')} minWidth="56rem">
      <Table.Thead>
        <Table.Tr>
          {columns.map(column => (
            <Table.Th key={column} scope="col">
              {t(`columns.${column}`)}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map(line => (
          <Line key={line.id} line={line} onSearch={onSearch} />
        ))}
      </Table.Tbody>
    </WideTable>
  )
}

interface LineProps {
  line: AuditLine
  onSearch: (search: AuditSearch) => void
}

function Line({ line, onSearch }: LineProps) {
  const t = useTranslations('audit')
  const [isOpen, setIsOpen] = useState(false)
  const id = useId()
  const Icon = isOpen ? IconChevronDown : IconChevronRight
  return (
    <>
      <Table.Tr data-audit={line.id}>
        <Table.Td>
          <Group gap={4} wrap="nowrap">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('open', { action: line.action })}
              aria-expanded={isOpen}
              {...(isOpen && { 'aria-controls': id })}
              onClick={() => setIsOpen(!isOpen)}
            >
              <Icon size={16} aria-hidden />
            </ActionIcon>
            <Ago at={line.at} />
          </Group>
        </Table.Td>
        <Table.Th scope="row" fw={400} style={{ overflowWrap: 'anywhere' }}>
          {line.name}
          <Text size="xs" c="dimmed">
            <RoleName role={line.role} />
          </Text>
        </Table.Th>
        <Table.Td maw="20rem">
          <Code style={{ overflowWrap: 'anywhere' }}>{line.action}</Code>
        </Table.Td>
        <Table.Td maw="14rem" style={{ overflowWrap: 'anywhere' }}>
          <Target line={line} />
        </Table.Td>
        <Table.Td>
          <Outcome line={line} />
        </Table.Td>
        <Table.Td className="numbers">{line.from}</Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr id={id} data-audit-details>
          <Table.Td colSpan={columns.length}>
            <Details line={line} onSearch={onSearch} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  )
}

/** The role in words; one that is not known here, such as that of a newer server, as it is. */
function RoleName({ role }: { role: string }) {
  const t = useTranslations('roles')
  const known = (['viewer', 'author', 'operator', 'admin'] as const).find(each => each === role)
  return known === undefined ? role : t(known)
}

/** What was acted on, with the way to it where there is one. */
function Target({ line: { target, within, ids, action, made } }: { line: AuditLine }) {
  if (target === undefined) return '–'
  const taskId = ids?.['taskId'] ?? (action === 'POST /v1/tasks' ? (made ?? target) : undefined)
  if (taskId === target)
    return (
      <TextLink to="/tasks/$taskId" params={{ taskId: target }} size="sm">
        {target}
      </TextLink>
    )
  const novelId = within ?? target
  if (ids?.['novelId'] !== novelId) return target
  return (
    <TextLink to="/novels/$novelId" params={{ novelId }} size="sm">
      {target}
    </TextLink>
  )
}

const appearances = {
  done: { color: 'green', icon: IconCheck },
  refused: { color: 'yellow', icon: IconBan },
  failed: { color: 'red', icon: IconX },
} as const

/** How the request ended, with its code where there is one. */
function Outcome({ line: { status, code } }: { line: AuditLine }) {
  const t = useTranslations('audit')
  const outcome = status < 400 ? 'done' : status < 500 ? 'refused' : 'failed'
  const { color, icon: Icon } = appearances[outcome]
  return (
    <>
      <Badge
        color={color}
        variant="light"
        leftSection={<Icon size={12} aria-hidden />}
        title={String(status)}
        data-outcome={outcome}
      >
        {t(`outcomes.${outcome}`)}
      </Badge>
      {code !== undefined && (
        <Text size="xs" c="dimmed">
          {code}
        </Text>
      )}
    </>
  )
}

/** What the line says beside its row: what changed, what was sent, and the ways to lines like it. */
function Details({ line, onSearch }: LineProps) {
  const t = useTranslations('audit')
  const writing = useWriting()
  const { id, identity, userId, action, target, query, body, traceId, userAgent, made, status } = line
  const sent = { ...(query !== undefined && { query }), ...(body !== undefined && { body }) }
  return (
    <Stack gap="sm" maw="60rem">
      <Changes line={line} />
      <Facts
        facts={[
          [t('facts.at'), writing.dateTime(line.at)],
          [t('facts.status'), String(status)],
          [t('facts.identity'), identity],
          [t('facts.user'), userId],
          [t('facts.made'), made],
          [t('facts.program'), userAgent],
          [t('facts.traceId'), traceId],
        ]}
      />
      {Object.keys(sent).length > 0 && (
        <JsonView value={sent} label={t('sent')} fileName={`audit-${id}.json`} />
      )}
      <Group gap="xs">
        <Like text={t('sameWho')} onClick={() => onSearch({ who: identity })} />
        <Like text={t('sameAction')} onClick={() => onSearch({ action })} />
        {target !== undefined && <Like text={t('sameTarget')} onClick={() => onSearch({ target })} />}
      </Group>
    </Stack>
  )
}

function Like({ text, onClick }: { text: string; onClick: () => void }) {
  return (
    <Button variant="default" size="xs" onClick={onClick}>
      {text}
    </Button>
  )
}

/** The fields that changed: as they were, and as they are. */
function Changes({ line: { before, after } }: { line: AuditLine }) {
  const t = useTranslations('audit')
  const differences = differencesOf(before, after)
  if (differences.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {t(before === undefined && after === undefined ? 'notKnown' : 'unchanged')}
      </Text>
    )
  return (
    <Table withTableBorder verticalSpacing={4} data-changes>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{t('field')}</Table.Th>
          <Table.Th scope="col">{t('before')}</Table.Th>
          <Table.Th scope="col">{t('after')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {differences.map(difference => (
          <Table.Tr key={difference.field}>
            <Table.Th scope="row" fw={400}>
              {difference.field}
            </Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{difference.before ?? '–'}</Table.Td>
            <Table.Td fw={600} style={{ overflowWrap: 'anywhere' }}>
              {difference.after ?? '–'}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
