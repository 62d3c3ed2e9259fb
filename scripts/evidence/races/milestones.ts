/** Milestones lets work wait for a number that grows: `until` resolves once `reached` told of it. */
export type Milestones = { reached(count: number): void; until(count: number): Promise<void> }

/** createMilestones begins at 0. */
export function createMilestones(): Milestones {
  let highest = 0
  let waiting: { count: number; go: () => void }[] = []
  return {
    reached(count) {
      highest = Math.max(highest, count)
      const due = waiting.filter((each) => each.count <= highest)
      waiting = waiting.filter((each) => each.count > highest)
      for (const { go } of due) go()
    },
    until(count) {
      if (count <= highest) return Promise.resolve()
      return new Promise((go) => waiting.push({ count, go }))
    }
  }
}
