const PAGE = '/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >>'
const WIN_ANSI_EURO = '\u0080'

/** invoicePdf writes lines of text on one page of a valid PDF, the first as a heading. Letters beyond Latin-1 become `?`. */
export function invoicePdf(lines: readonly string[]): Buffer {
  const [heading = '', ...rest] = lines.map(literal)
  const drawing = [
    'BT /F1 18 Tf 56 780 Td',
    `${heading} Tj`,
    '/F1 11 Tf 18 TL 0 -32 Td',
    ...rest.map((line) => `${line} Tj T*`),
    'ET'
  ].join('\n')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< ${PAGE} >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    `<< /Length ${drawing.length} >>\nstream\n${drawing}\nendstream`
  ]
  let body = '%PDF-1.4\n'
  let table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`
  for (const [index, object] of objects.entries()) {
    table += `${String(body.length).padStart(10, '0')} 00000 n \n`
    body += `${index + 1} 0 obj\n${object}\nendobj\n`
  }
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`
  return Buffer.from(`${body}${table}${trailer}`, 'latin1')
}

/** literal is a text as PDF writes it. One character stays one byte, or the lengths above would be wrong. */
function literal(text: string): string {
  const latin = [...text.replaceAll('€', WIN_ANSI_EURO)].map((letter) => (letter > '\u00ff' ? '?' : letter)).join('')
  return `(${latin.replaceAll(/[\r\n]/g, ' ').replaceAll(/[()\\]/g, String.raw`\$&`)})`
}
