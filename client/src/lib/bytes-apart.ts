import { formatBytes, formatNumber } from './format.ts'

/** bytesApart writes two different amounts so that they can be told apart: in bytes where they round to the same. */
export function bytesApart(one: number, other: number): [string, string] {
  const [oneText, otherText] = [formatBytes(one), formatBytes(other)]
  return oneText === otherText && one !== other ? [`${formatNumber(one)} B`, `${formatNumber(other)} B`] : [oneText, otherText]
}
