/** focusContent puts the focus at the beginning of the content: for a button of the banner that goes away with it. */
export function focusContent(): void {
  document.getElementById('content')?.focus()
}
