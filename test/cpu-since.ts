/** Starts to count the processor's time of this process. Returns a function that answers it in milliseconds: others may work beside it. */
export function cpuSince(): () => number {
  const start = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1_000
  }
}
