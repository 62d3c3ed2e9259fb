import { describe, expect, test } from '@jest/globals'
import { citationMarks, type TreeNode } from '../../src/features/chat/citation-marks.ts'

const element = (tagName: string, ...children: TreeNode[]): TreeNode => ({ type: 'element', tagName, properties: {}, children })
const text = (value: string): TreeNode => ({ type: 'text', value })

/** mark marks the known numbers and writes the tree as text, buttons as `<1>`. */
function mark(tree: TreeNode, ...numbers: number[]): string {
  citationMarks(new Set(numbers))()(tree)
  const write = (node: TreeNode): string => {
    if (node.type === 'text') return node.value ?? ''
    if (node.tagName === 'button') return `<${node.properties?.['value'] ?? ''}>`
    return (node.children ?? []).map(write).join('')
  }
  return write(tree)
}

describe('marks of citations', () => {
  test('become buttons wherever they stand in the text', () => {
    expect(mark(element('p', text('[1] It takes 14 days [2][1], or [1, 3].'), element('em', text('so [3]'))), 1, 2, 3))
      .toBe('<1> It takes 14 days <2><1>, or <1><3>.so <3>')
  })

  test('of passages that are not cited stay text, and so do other brackets', () => {
    expect(mark(element('p', text('[4] [x] [1234] [ 1 ] [1] end')), 1)).toBe('[4] [x] [1234] [ 1 ] <1> end')
  })

  test('in code and in links stay text', () => {
    expect(mark(element('p', element('code', text('a[1]')), element('pre', element('code', text('[1]'))), element('a', text('[1]'))), 1))
      .toBe('a[1][1][1]')
  })
})
