/** LIMIT_DIALOG marks the dialog that explains limits in the page. */
export const LIMIT_DIALOG = { 'data-limit-dialog': true } as const

/**
 * isLimitDialogOpen tells whether a limit is being explained. A dialog below asks it before it closes: the Escape key reaches
 * every open dialog, and what was typed must stay.
 */
export function isLimitDialogOpen(): boolean {
  return document.querySelector('[data-limit-dialog]') !== null
}
