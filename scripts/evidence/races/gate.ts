/** Gate lets work in, in the order of arrival, as soon as there is room. */
export type Gate = <Result>(work: () => Promise<Result>) => Promise<Result>

/** openGate has room for `size` works at once. */
export function openGate(size: number): Gate {
  let inside = 0
  const waiting: (() => void)[] = []
  let next = 0
  const enter = (): Promise<void> | void => {
    if (inside < size) {
      inside += 1
      return
    }
    return new Promise((begin) => waiting.push(begin))
  }
  const leave = (): void => {
    const begin = waiting[next]
    if (begin === undefined) {
      inside -= 1
      waiting.length = 0
      next = 0
      return
    }
    next += 1
    begin()
  }
  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
