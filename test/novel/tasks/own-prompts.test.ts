import { generateScene, generateSummary } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { estimateTask } from '../../../src/novel/estimate.ts'
import { loadPrompts } from '../../../src/novel/prompts/prompts.ts'
import { ann, describeWriting } from '../../models/writing.ts'
import { ownPrompt } from '../library/prompt-cases.ts'

const usualText = loadPrompts()('generate-scene', 'en').text
const sceneText = (novelist: string) => usualText.replace('You are a novelist', `You are a ${novelist}`)

describeWriting('the prompts of a novel', open => {
  it('are what its texts and summaries are written by; a task tries others, which nothing keeps', async () => {
    await using w = await open({ models: { prose: { contextTokens: 16_000, maxOutputTokens: 8_000 } } })
    const novelId = await w.novel()
    const sceneId = (await w.scenes(novelId))[0]?.id ?? ''
    const own = { name: 'generate-scene', language: 'en', text: sceneText('dry novelist') } as const
    const set = (change: object, expectedVersion: number) =>
      w.library.prompts.set(ann, novelId, { ...own, ...change, expectedVersion })
    await set({}, 0)
    await set({ ...ownPrompt, text: ownPrompt.text.replace('Be brief.', 'Be very brief.') }, 1)
    const wishes = { novelId, sceneId, summary: 'Berit waits.', accept: 'by-author' } as const
    const tried = { 'generate-scene': sceneText('wry novelist') }
    const asked = { userId: ann, taskType: 'GenerateScene', parameters: wishes }
    const estimate = async (prompts?: object) =>
      (await estimateTask(w.services, { ...asked, parameters: { ...wishes, prompts } })).byModel[0]
    expect(await estimate(tried)).toEqual(await estimate())
    await expect(estimate({ 'generate-scene': '# System' })).rejects.toMatchObject({ code: 'PROMPT_INVALID' })
    await expect(
      w.t.submit(generateScene, { ...wishes, prompts: { 'generate-scene': 'x' } }, { userId: ann }),
    ).rejects.toMatchObject({ code: 'PROMPT_INVALID' })

    const usual = await w.t.submit(generateScene, wishes, { userId: ann })
    await w.t.drain()
    const trial = await w.t.submit(generateScene, { ...wishes, prompts: tried }, { userId: ann })
    await w.t.drain()
    expect((await usual.result()).prompt?.version).toMatch(/^novel\+/)
    const { prompt, candidates } = await trial.result()
    expect(prompt?.version).toMatch(/^trial\+/)
    const candidateId = candidates[0]?.candidateId ?? ''
    const kept = await w.library.candidates.candidate(ann, { sceneId, candidateId })
    expect(kept.provenance.prompt).toEqual(prompt)
    const summary = await w.t.submit(generateSummary, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    expect((await summary.result()).prompt?.version).toMatch(/^novel\+/)
    const said = w.server.ledger.calls.map(
      ({ prompt: all }) => /(?:dry|wry) novelist|Be very brief/.exec(all)?.[0],
    )
    expect(said).toEqual(['dry novelist', 'wry novelist', 'Be very brief'])
  })
})
