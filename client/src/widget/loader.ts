// The one script a site adds. It runs among foreign code: it declares nothing global but `ParleyWidget`, imports nothing,
// and touches no element but its own.
//
//   <script async src="https://parley.example/widget.js" data-widget="wgt_…"></script>
//
// A site that knows its visitor adds data-user-id and data-user-signature, the HMAC-SHA256 of the id, made on its server.
;(() => {
  const script = document.currentScript
  const key = script instanceof HTMLScriptElement ? script.dataset['widget'] : undefined
  if (!(script instanceof HTMLScriptElement) || key === undefined || !/^wgt_[\w-]{8,64}$/.test(key)) {
    console.error('Parley: the script needs data-widget="wgt_…"; copy the snippet from the settings of the chatbot.')
    return
  }
  const origin = new URL(script.src).origin
  const { userId, userSignature } = script.dataset
  type Identity = { userId: string; signature: string } | null
  let identity: Identity =
    userId !== undefined && userSignature !== undefined ? { userId, signature: userSignature } : null
  let frame: HTMLIFrameElement | null = null
  let isOpen = false
  // Before it is, what is said to the frame goes to an empty page of the site's own origin, and into the site's console.
  let isReady = false

  const host = document.createElement('div')
  // The site's styles end at the shadow root.
  const root = host.attachShadow({ mode: 'closed' })
  const button = document.createElement('button')
  button.type = 'button'
  button.append(drawIcon())
  assign(host.style, { position: 'fixed', right: '20px', bottom: '20px', zIndex: '2147483000' })
  assign(button.style, {
    width: '56px', height: '56px', border: '0', borderRadius: '50%', background: '#0a7a5e', color: '#fff', cursor: 'pointer',
    boxShadow: '0 4px 16px rgba(0, 0, 0, .25)', display: 'flex', alignItems: 'center', justifyContent: 'center', padding: '0'
  })
  root.append(button)
  button.addEventListener('click', () => (isOpen ? close() : open()))

  // Nothing of Parley is loaded into the page before somebody wants to chat.
  function makeFrame(): HTMLIFrameElement {
    const made = document.createElement('iframe')
    made.src = `${origin}/widget/${key ?? ''}`
    made.title = 'Chat'
    made.allow = 'clipboard-write'
    assign(made.style, { position: 'fixed', border: '0', colorScheme: 'normal', background: 'transparent', zIndex: '2147483001' })
    host.before(made)
    return made
  }

  function place(element: HTMLIFrameElement): void {
    const isPhone = window.innerWidth < 480
    assign(element.style, {
      display: isOpen ? 'block' : 'none',
      right: isPhone ? '0' : '20px',
      bottom: isPhone ? '0' : '88px',
      width: isPhone ? '100%' : '380px',
      height: isPhone ? '100%' : 'min(620px, calc(100vh - 108px))',
      borderRadius: isPhone ? '0' : '14px',
      boxShadow: '0 8px 32px rgba(0, 0, 0, .25)'
    })
  }

  function show(): void {
    button.setAttribute('aria-label', isOpen ? 'Close the chat' : 'Open the chat')
    button.setAttribute('aria-expanded', String(isOpen))
    if (frame !== null) place(frame)
  }

  function open(): void {
    isOpen = true
    frame ??= makeFrame()
    show()
    tellFocus()
    frame.focus()
  }

  function close(): void {
    isOpen = false
    show()
    button.focus()
  }

  // Made piece by piece: a site may forbid markup from text (Trusted Types).
  function drawIcon(): SVGSVGElement {
    const namespace = 'http://www.w3.org/2000/svg'
    const icon = document.createElementNS(namespace, 'svg')
    const bubble = document.createElementNS(namespace, 'path')
    const looks = { width: '26', height: '26', viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'aria-hidden': 'true' }
    for (const [name, value] of Object.entries(looks)) icon.setAttribute(name, value)
    bubble.setAttribute('d', 'M4 5h16v11H11l-5 4v-4H4z')
    bubble.setAttribute('stroke-linejoin', 'round')
    icon.append(bubble)
    return icon
  }

  function assign(style: CSSStyleDeclaration, values: Record<string, string>): void {
    Object.assign(style, values)
  }

  function tellFocus(): void {
    if (isReady) frame?.contentWindow?.postMessage({ type: 'parley:focus' }, origin)
  }

  function tellIdentity(): void {
    if (isReady) frame?.contentWindow?.postMessage({ type: 'parley:identity', identity }, origin)
  }

  window.addEventListener('message', (event) => {
    if (frame === null || event.source !== frame.contentWindow || event.origin !== origin) return
    const type: unknown = typeof event.data === 'object' && event.data !== null ? Reflect.get(event.data, 'type') : null
    if (type === 'parley:ready') {
      isReady = true
      tellIdentity()
      if (isOpen) tellFocus()
    }
    if (type === 'parley:close') close()
  })
  window.addEventListener('resize', show)

  const api = {
    open,
    close,
    /** identify says who the visitor is after the page has loaded; null forgets it. */
    identify(next: Identity): void {
      identity = next
      tellIdentity()
    }
  }
  Object.assign(window, { ParleyWidget: api })

  const begin = (): void => {
    document.body.append(host)
    show()
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin)
  else begin()
})()
