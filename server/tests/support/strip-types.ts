import { stripTypeScriptTypes } from 'node:module'
import type { SyncTransformer } from '@jest/transform'

/**
 * transformer blanks out types as `node file.ts` does: lines and columns stay where they are, and syntax that production
 * would refuse (enums, parameter properties) fails here too.
 */
const transformer: SyncTransformer = {
  process(sourceText) {
    return { code: stripTypeScriptTypes(sourceText, { mode: 'strip' }) }
  }
}

export default transformer
