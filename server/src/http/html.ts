/** escapeHtml makes any text safe inside an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}

/**
 * htmlPage wraps escaped content into a page without scripts, styled by `/landing.css`; `refreshSeconds` loads it again
 * after a while.
 */
export function htmlPage(title: string, main: string, refreshSeconds?: number): string {
  const refresh = refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="/landing.css">
<link rel="icon" href="data:,">
${refresh}</head>
<body>
<main>
${main}
</main>
</body>
</html>
`
}
