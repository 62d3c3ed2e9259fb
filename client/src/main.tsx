import './app/shell-styles.ts'
import './app/app.css'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { readClientConfig } from './lib/config.ts'

const config = readClientConfig()
// Dialogs lock the page's scrolling by a style element, which must carry the nonce too; the library looks here for it.
Object.assign(globalThis, { __webpack_nonce__: config.nonce })

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no element #root.')
createRoot(root).render(<App config={config} />)
