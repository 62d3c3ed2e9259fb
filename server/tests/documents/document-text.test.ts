import { describe, expect, test } from '@jest/globals'
import { type MediaType, readDocument, TEXT_LIMIT } from '../../src/documents/document-text.ts'
import { InvalidDocument } from '../../src/documents/invalid-document.ts'
import { encryptedPdf, packedPdf, textPdf } from '../support/pdf.ts'

function read(name: string, bytes: Uint8Array | string, mediaType: MediaType | null = null): Promise<{ mediaType: string; text: string }> {
  return readDocument({ name, bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes, mediaType })
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => new Error('It was accepted.'),
    (reason: unknown) => reason
  )
  expect(error).toBeInstanceOf(InvalidDocument)
  return error instanceof Error ? error.message : ''
}

describe('readDocument', () => {
  test('reads text and Markdown by the name, drops a byte order mark and unifies line ends', async () => {
    expect(await read('hours.TXT', '\uFEFFOpen\r\n9 to 5\rdaily')).toEqual({ mediaType: 'text/plain', text: 'Open\n9 to 5\ndaily' })
    expect(await read('faq.md', '# Faq')).toEqual({ mediaType: 'text/markdown', text: '# Faq' })
  })

  test('a media type that was given wins over the name', async () => {
    expect((await read('faq', '# Faq', 'text/markdown')).mediaType).toBe('text/markdown')
  })

  test('reads the text of every page of a PDF', async () => {
    const { mediaType, text } = await read('handbook.pdf', textPdf(['Refunds take (about) 14 days.', null, 'Parrots are welcome.']))
    expect(mediaType).toBe('application/pdf')
    expect(text).toBe('Refunds take (about) 14 days.\n\nParrots are welcome.')
  })

  test('refuses other types by name, and content that contradicts the name', async () => {
    expect(await refusal(read('cat.png', 'x'))).toContain('.txt, .md or .pdf')
    expect(await refusal(read('README', 'x'))).toContain('.txt, .md or .pdf')
    expect(await refusal(read('notes.pdf', 'plain text'))).toContain('not a PDF')
    expect(await refusal(read('notes.txt', textPdf(['hello'])))).toContain('contains a PDF')
  })

  test('a text that mentions the PDF header is still a text', async () => {
    expect((await read('format.txt', 'Every PDF starts with %PDF-1.7')).mediaType).toBe('text/plain')
  })

  test('refuses bytes that are not UTF-8, NUL bytes, lone surrogates, emptiness and white space', async () => {
    expect(await refusal(read('a.txt', Buffer.from([0x63, 0x61, 0x66, 0xe9])))).toContain('not UTF-8')
    expect(await refusal(read('a.txt', Buffer.from('﻿hi', 'utf16le')))).toContain('not UTF-8')
    expect(await refusal(read('a.txt', 'a\0b'))).toContain('NUL')
    expect(await refusal(read('a.txt', ''))).toContain('is empty')
    expect(await refusal(read('a.txt', ' \n\t\n'))).toContain('no text')
  })

  test('refuses a text above two million characters and says both numbers', async () => {
    const message = await refusal(read('long.txt', 'x'.repeat(TEXT_LIMIT + 1)))
    expect(message).toContain('2,000,001')
    expect(message).toContain('2,000,000')
  })

  test('a small PDF that unpacks to two gigabytes is refused before it has taken them', async () => {
    const pdf = packedPdf(2048)
    const before = process.resourceUsage().maxRSS
    expect(await refusal(read('bomb.pdf', pdf))).toContain('too complex')
    expect(pdf.byteLength).toBeLessThan(4 * 1024 * 1024)
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(900)
  })

  test('refuses PDFs that are damaged, encrypted, without text, or longer than 500 pages, each with its reason', async () => {
    expect(await refusal(read('a.pdf', '%PDF-1.7\ngarbage'))).toContain('damaged')
    expect(await refusal(read('a.pdf', encryptedPdf()))).toContain('password')
    expect(await refusal(read('a.pdf', textPdf([null, null])))).toContain('no text')
    expect(await refusal(read('a.pdf', textPdf(Array.from({ length: 501 }, () => 'page'))))).toContain('501 pages')
  })

  test('reads many PDFs at once, each for itself', async () => {
    const texts = await Promise.all([1, 2, 3, 4, 5].map((number) => read('a.pdf', textPdf([`File ${number}`]))))
    expect(texts.map(({ text }) => text)).toEqual(['File 1', 'File 2', 'File 3', 'File 4', 'File 5'])
  })
})
