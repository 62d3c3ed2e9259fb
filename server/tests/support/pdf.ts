import { constants, deflateSync } from 'node:zlib'

/** textPdf writes a small valid PDF by hand: one page per entry, each with that text (ASCII) or, for null, without any. */
export function textPdf(pages: readonly (string | null)[]): Buffer {
  const objects: string[] = []
  const pageIds = pages.map((_, index) => 4 + index * 2)
  objects[1] = '<< /Type /Catalog /Pages 2 0 R >>'
  objects[2] = `<< /Type /Pages /Kids [${pageIds.map((id) => `${id} 0 R`).join(' ')}] /Count ${pages.length} >>`
  objects[3] = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'
  for (const [index, text] of pages.entries()) {
    const id = 4 + index * 2
    const drawing = text === null ? '0 0 m 10 10 l S' : `BT /F1 12 Tf 72 720 Td (${text.replace(/[()\\]/g, '\\$&')}) Tj ET`
    objects[id] =
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${id + 1} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`
    objects[id + 1] = `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`
  }
  return assemble(objects, '')
}

/** packedPdf is one page whose content is `megabytes` of spaces, in a few kilobytes for each hundred of them. */
export function packedPdf(megabytes: number): Buffer {
  const open = '<< /Filter /FlateDecode /Length '
  // A flushed block stands for itself: repeated, it unpacks to as much again.
  const packed = deflateSync(Buffer.alloc(1024 * 1024, ' '), { finishFlush: constants.Z_FULL_FLUSH })
  const content = Buffer.concat([packed, ...Array.from({ length: megabytes - 1 }, () => packed.subarray(2))]).toString('latin1')
  const objects: string[] = []
  objects[1] = '<< /Type /Catalog /Pages 2 0 R >>'
  objects[2] = '<< /Type /Pages /Kids [3 0 R] /Count 1 >>'
  objects[3] = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>'
  objects[4] = `${open}${content.length} >>\nstream\n${content}\nendstream`
  return assemble(objects, '')
}

/** encryptedPdf is a PDF whose encryption dictionary asks for a password nobody knows. */
export function encryptedPdf(): Buffer {
  const key = '<' + 'ab'.repeat(32) + '>'
  const objects: string[] = []
  objects[1] = '<< /Type /Catalog /Pages 2 0 R >>'
  objects[2] = '<< /Type /Pages /Kids [] /Count 0 >>'
  objects[3] = `<< /Filter /Standard /V 1 /R 2 /O ${key} /U ${key} /P -44 >>`
  return assemble(objects, `/Encrypt 3 0 R /ID [<${'01'.repeat(16)}> <${'01'.repeat(16)}>]`)
}

function assemble(objects: readonly string[], trailer: string): Buffer {
  let body = '%PDF-1.4\n'
  let table = 'xref\n'
  table += `0 ${objects.length}\n0000000000 65535 f \n`
  for (let id = 1; id < objects.length; id += 1) {
    table += `${String(body.length).padStart(10, '0')} 00000 n \n`
    body += `${id} 0 obj\n${objects[id]}\nendobj\n`
  }
  const start = body.length
  return Buffer.from(`${body}${table}trailer\n<< /Size ${objects.length} /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`, 'latin1')
}
