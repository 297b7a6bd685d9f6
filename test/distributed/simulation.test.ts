/** What a task costs does not grow with the processes: the code that decides who dispatches, simulated with a store that counts. Needs no servers. */
import { expect, it } from 'vitest'
import { atOnce, atRest, withADeath } from '../../bench/distributed/simulation/run.ts'

it('eight processes send at most half as many commands more for a task than one does, and do not race', async () => {
  const one = await atOnce({ processes: 1, tasks: 600 })
  const eight = await atOnce({ processes: 8, tasks: 600 })
  expect(eight.commandsPerTask).toBeLessThan(1.5 * one.commandsPerTask)
  expect(eight.refusedPerTask).toBeLessThan(0.02)
})

it('without partitions eight processes race for every task: the simulation sees what they are for', async () => {
  const { refusedPerTask } = await atOnce({ processes: 8, tasks: 600, sharesPartitions: false })
  expect(refusedPerTask).toBeGreaterThan(1)
})

it('a relay that used its share of the room looks again while tasks of its partitions stand in line', async () => {
  const { longestMs } = await atOnce({ processes: 32, tasks: 3_200, users: 3_200 })
  expect(longestMs).toBeLessThan(1_000)
})

it('a process at rest sends at most two commands in a second', async () => {
  const { commandsPerSecond } = await atRest({ processes: 8, seconds: 30 })
  expect(commandsPerSecond).toBeLessThanOrEqual(2 * 8)
})

it('what a process that died was to send is sent when its lease is over', async () => {
  const { longestMs, medianMs } = await withADeath({ processes: 8, perSecond: 20, seconds: 15, users: 200 })
  expect(medianMs).toBeLessThan(200)
  expect(longestMs).toBeGreaterThan(1_000)
  expect(longestMs).toBeLessThan(12_000)
})
