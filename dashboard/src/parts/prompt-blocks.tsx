import {
  Alert,
  Badge,
  Button,
  Group,
  List,
  Paper,
  Spoiler,
  Stack,
  Text,
  Title,
  VisuallyHidden,
} from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { wordsOf } from '../api/task.ts'
import { useWriting } from '../text/format.ts'

type Block = components['schemas']['PromptBlockNote'] & { text?: string }
type Shown = Block['shown'][number]
type LeftOut = Block['leftOut'][number]

/** What a person decides about an entry for one scene; undefined: nothing any more. */
export type Choose = (entryId: string, choice: 'pinned' | 'barred' | undefined) => void

interface Props {
  blocks: readonly Block[]
  /** Offers to pin and to bar entries. */
  choose?: Choose | undefined
}

/** Why a prompt cannot be used: in the words for authors where there are any, else in the English of the server. */
export function PromptProblem({ problem }: { problem: { message: string; authorMessage?: string } }) {
  return (
    <Alert color="red" {...(problem.authorMessage === undefined ? { lang: 'en' } : {})}>
      {wordsOf(problem)}
    </Alert>
  )
}

/** How many calls, tokens and how much money the text will take. */
export function ExpectedUse({
  preview: { model, expected },
}: {
  preview: Pick<components['schemas']['ScenePreview'], 'model' | 'expected'>
}) {
  const t = useTranslations('scenes.prompt')
  const writing = useWriting()
  if (expected === undefined || model === undefined)
    return (
      <Text size="sm" c="dimmed">
        {t('noModel')}
      </Text>
    )
  const { calls, inputTokens: input, outputTokens: output, cost, currency } = expected
  const money = cost === undefined ? '' : ` · ${writing.money(cost, currency)}`
  return (
    <Text size="sm" data-expected={calls}>
      {t('expected', { model, calls, input, output })}
      {money}
    </Text>
  )
}

/** What of the codex cannot be used as it is: names of several entries, changes from a scene that is gone. */
export function NotCounted({
  preview: { shared, lostChanges },
}: {
  preview: Pick<components['schemas']['ScenePreview'], 'shared' | 'lostChanges'>
}) {
  const t = useTranslations('scenes.prompt')
  return (
    <>
      {shared.map(({ name }) => (
        <Text key={name} size="sm">
          {t('shared', { name })}
        </Text>
      ))}
      {lostChanges.map(({ id, name, sceneId }) => (
        <Text key={`${id} ${sceneId}`} size="sm">
          {t('lost', { name })}
        </Text>
      ))}
    </>
  )
}

/** The blocks of a prompt, in their order: text and tokens, where it comes from and why, what was left out and why. */
export function PromptBlocks({ blocks, choose }: Props) {
  const t = useTranslations('scenes.prompt')
  return (
    <Stack gap="xs" data-blocks>
      {blocks.map((block, place) => (
        // A block has no name of its own, and none moves.
        // biome-ignore lint/suspicious/noArrayIndexKey: the list is shown as it came
        <Paper key={place} withBorder p="xs" data-block={block.kind}>
          <Group justify="space-between" gap="xs">
            <Title order={4}>{t(`kind.${block.kind}`)}</Title>
            <Badge variant="light" className="numbers">
              {t('tokens', { tokens: block.tokens })}
            </Badge>
          </Group>
          {(block.text ?? '') !== '' && (
            <Spoiler maxHeight={72} showLabel={t('showAll')} hideLabel={t('showLess')}>
              <Text size="xs" c="dimmed" style={{ whiteSpace: 'pre-wrap' }}>
                {block.text?.trim()}
              </Text>
            </Spoiler>
          )}
          <Sources block={block} choose={choose} />
        </Paper>
      ))}
    </Stack>
  )
}

/** What a block shows, and what was left out of it. */
export function Sources({ block, choose }: { block: Block; choose?: Choose | undefined }) {
  const t = useTranslations('scenes.prompt')
  const { shown, leftOut, moreLeftOut = 0 } = block
  const titles = new Map([...shown, ...leftOut].map(({ id, title }) => [id, title]))
  return (
    <>
      {shown.length > 0 && (
        <List size="sm">
          {shown.map(source => (
            <List.Item key={keyOf(source)} data-in={source.title}>
              <Name source={source} /> <Why source={source} titles={titles} />
              {source.isOutOfDate === true && ` ${t('outOfDate')}`}
              {source.isCut === true && ` ${t('cut')}`} ({t('tokens', { tokens: source.tokens })})
              <ChooseButton source={source} choose={choose} />
            </List.Item>
          ))}
        </List>
      )}
      {leftOut.length + moreLeftOut > 0 && (
        <Text size="sm" fw={600}>
          {t('leftOut')}
        </Text>
      )}
      <List size="sm">
        {leftOut.map(source => (
          <List.Item key={keyOf(source)} data-out={source.title}>
            <Name source={source} /> {t(`not.${source.reason}`)}
            {source.tokens !== undefined && ` (${t('tokens', { tokens: source.tokens })})`}
            <ChooseButton source={source} choose={choose} />
          </List.Item>
        ))}
        {moreLeftOut > 0 && <List.Item>{t('more', { count: moreLeftOut })}</List.Item>}
      </List>
    </>
  )
}

function keyOf({ of, id, span }: Shown | LeftOut): string {
  return `${of} ${id} ${span?.start ?? ''}`
}

function Name({ source: { of, title, reference } }: { source: Shown | LeftOut }) {
  const t = useTranslations('scenes.prompt')
  const name = title === '' ? t(`of.${of}`) : title
  return <strong>{reference === undefined ? name : t('ofReference', { name, reference })}:</strong>
}

function Why({ source: { reason }, titles }: { source: Shown; titles: ReadonlyMap<string, string> }) {
  const t = useTranslations('scenes.prompt')
  if (reason.why === 'mentioned')
    return t('why.mentioned', { count: reason.mentions, names: reason.names.join(t('joint')) })
  if (reason.why !== 'related')
    return t('by' in reason && reason.by === 'both' ? 'why.closeInMeaning' : `why.${reason.why}`)
  const names = reason.to.flatMap(id => titles.get(id) ?? [])
  return t('why.related', { names: names.join(t('joint')) })
}

/** Pins or bars an entry for the scene, or takes that back. */
function ChooseButton({ source, choose }: { source: Shown | LeftOut; choose: Choose | undefined }) {
  const t = useTranslations('scenes.prompt')
  if (choose === undefined || source.of !== 'entry' || source.reference !== undefined) return null
  const { reason } = source
  const isShown = typeof reason !== 'string'
  const isChosen = reason === 'barred' || (isShown && reason.why === 'pinned')
  const choice = isShown ? 'barred' : 'pinned'
  return (
    <Button
      ml="xs"
      size="compact-xs"
      variant="subtle"
      onClick={() => choose(source.id, isChosen ? undefined : choice)}
    >
      {isChosen ? t('takeBack') : t(choice)}
      <VisuallyHidden> {source.title}</VisuallyHidden>
    </Button>
  )
}
