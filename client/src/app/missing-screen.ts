/** MissingScreen is thrown where the code of a screen could not be loaded because the server cannot be reached. */
export class MissingScreen extends Error {
  override name = 'MissingScreen'
}

/** loadScreen loads the code of a screen. Throws {@link MissingScreen}, or the browser's own error where the server answers. */
export async function loadScreen<Code>(load: () => Promise<Code>): Promise<Code> {
  try {
    return await load()
  } catch (error) {
    // The router reloads the page once for the browser's error, which finds the screens of a newer build. Without a connection
    // that would leave the page, and what is typed on it, for the browser's own.
    if (await isServerThere()) throw error
    throw new MissingScreen('The server cannot be reached.', { cause: error })
  }
}

/** isServerThere asks whether a reload would find anything. */
export async function isServerThere(): Promise<boolean> {
  try {
    await fetch('/livez', { cache: 'no-store' })
    return true
  } catch {
    return false
  }
}
