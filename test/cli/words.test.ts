import { describe, expect, test } from 'vitest'
import { agoText, bytesText, costText, countOf, durationText, waitText } from '../../src/cli/words.ts'

const now = Date.parse('2026-03-01T12:00:00Z')

describe('words', () => {
  test.each([
    ['2026-03-01T12:00:05Z', '0s ago'],
    ['2026-03-01T11:59:01Z', '59s ago'],
    ['2026-03-01T11:58:59Z', '1m ago'],
    ['2026-03-01T09:00:00Z', '3h ago'],
    ['2026-02-01T12:00:00Z', '28d ago'],
  ])('%s is %s', (time, text) => {
    expect(agoText(time, now)).toBe(text)
  })

  test.each([
    [0, '0ms'],
    [250, '250ms'],
    [1_500, '1500ms'],
    [90_000, '90s'],
    [600_000, '10m'],
    [2_592_000_000, '30d'],
  ])('%i ms is %s', (ms, text) => {
    expect(durationText(ms)).toBe(text)
  })

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [12_345, '12 kB'],
    [500_000_000, '500 MB'],
    [1.5e13, '15 TB'],
    [1e18, '1000000 TB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })

  test.each([
    [0, '0.00'],
    [0.1, '0.10'],
    [0.012_5, '0.0125'],
    [0.000_000_4, '0.00'],
    [1_234.5, '1,234.50'],
    [0.1 + 0.2, '0.30'],
  ])('%d costs %s', (cost, text) => {
    expect(costText(cost)).toBe(text)
  })

  test.each([
    [0, '0s'],
    [44.2, '45s'],
    [60, '1m'],
    [270, '4m 30s'],
    [3_600, '1h'],
    [7_845, '2h 10m'],
    [90_061, '1d 1h'],
  ])('%d seconds are a wait of %s', (seconds, text) => {
    expect(waitText(seconds)).toBe(text)
  })

  test('counts agree with their noun', () => {
    expect([countOf(0, 'scene'), countOf(1, 'scene'), countOf(5_120, 'word')]).toEqual([
      '0 scenes',
      '1 scene',
      '5,120 words',
    ])
  })
})
