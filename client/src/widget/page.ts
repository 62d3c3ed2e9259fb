import './page.css'
import { z } from 'zod'
import { closeChat, isFramed, listenToHost } from './host.ts'
import { createKept } from './kept.ts'
import { createThread } from './thread.ts'
import { askQuestion, type Identity, openVisit, stopAnswer, VisitProblem } from './visit.ts'

// The page's policy forbids code made from text, which zod would otherwise try.
z.config({ jitless: true })

const configSchema = z.object({ widgetKey: z.string(), chatbotName: z.string(), welcomeMessage: z.string() })
const config = configSchema.parse(JSON.parse(find('parley-widget-config', HTMLScriptElement).textContent ?? ''))
const path = `/widget/${config.widgetKey}`

const form = find('composer', HTMLFormElement)
const input = find('question', HTMLTextAreaElement)
const send = find('send', HTMLButtonElement)
const stop = find('stop', HTMLButtonElement)
const thread = createThread(find('log', HTMLElement))
const keptToken = createKept(`parley.visit.${config.widgetKey}`)
const draft = createKept(`parley.draft.${config.widgetKey}`)

let visit: Promise<string> | null = null
let identity: Identity | null = null
let running: { token: string; messageId: string } | null = null
let isBusy = false
let isStopWanted = false
// The same question with the same key happens once, however often it is sent.
let pending: { content: string; key: string } | null = null

document.title = config.chatbotName
find('title', HTMLElement).textContent = config.chatbotName
input.value = draft.read() ?? ''

const close = find('close', HTMLButtonElement)
close.hidden = !isFramed()
close.addEventListener('click', closeChat)
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeChat()
})
input.addEventListener('input', () => draft.write(input.value))
input.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  form.requestSubmit()
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  void ask(input.value.trim())
})
stop.addEventListener('click', () => {
  isStopWanted = true
  stopRunning()
  input.focus()
})

listenToHost({
  focus: () => input.focus(),
  identity: (next) => {
    if (visit !== null && JSON.stringify(next) === JSON.stringify(identity)) return
    identity = next
    begin()
  }
})
if (!isFramed()) begin()

function begin(): void {
  visit = open()
  visit.catch((error: unknown) => show(error))
}

async function open(): Promise<string> {
  const opened = await openVisit(path, keptToken.read(), identity).catch(async (error: unknown) => {
    // A token of a visit that is gone must not lock the visitor out.
    if (!(error instanceof VisitProblem) || error.code !== 'unauthenticated' || keptToken.read() === null) throw error
    keptToken.forget()
    return openVisit(path, null, identity)
  })
  keptToken.write(opened.token)
  thread.clear()
  if (opened.welcomeMessage !== '') thread.answer(opened.welcomeMessage).end()
  for (const message of opened.messages) {
    if (message.role === 'user') thread.question(message.content)
    else {
      const view = thread.answer(message.content)
      message.citations.forEach(view.cite)
      view.end(message.status === 'stopped' ? 'Stopped' : message.status === 'failed' ? 'This answer failed.' : undefined)
    }
  }
  return opened.token
}

async function ask(content: string): Promise<void> {
  if (content === '' || isBusy) return
  setBusy(true)
  if (pending?.content !== content) pending = { content, key: crypto.randomUUID() }
  const question = thread.question(content)
  const view = thread.answer()
  let isAccepted = false
  try {
    visit ??= open()
    const token = await visit
    for await (const part of askQuestion(path, token, content, pending.key)) {
      if (part.type === 'start') {
        isAccepted = true
        running = { token, messageId: part.messageId }
        if (isStopWanted) stopRunning()
        if (input.value.trim() === content) input.value = ''
        draft.forget()
      } else if (part.type === 'text') view.append(part.text)
      else if (part.type === 'citation') view.cite(part.citation)
      else view.end(part.isStopped ? 'Stopped' : undefined)
    }
    pending = null
  } catch (error) {
    // What was typed stays in its box, to be sent again; with the same key where nobody knows whether it arrived.
    if (error instanceof VisitProblem && error.isKnown) pending = null
    if (isAccepted) view.end('This answer was interrupted.')
    else {
      question.remove()
      view.remove()
    }
    if (!isAccepted || !(error instanceof VisitProblem)) input.value ||= content
    show(error)
    // The next question begins the visit anew where it is over, or could not be begun.
    if (error instanceof VisitProblem && error.code === 'unauthenticated') visit = null
    await visit?.catch(() => (visit = null))
  } finally {
    running = null
    setBusy(false)
    input.focus()
  }
}

// Before the first word the answer has no name yet: then it is stopped as soon as it has.
function stopRunning(): void {
  if (running !== null) void stopAnswer(path, running.token, running.messageId).catch(() => undefined)
}

function setBusy(next: boolean): void {
  isBusy = next
  isStopWanted = false
  send.hidden = next
  stop.hidden = !next
}

function show(error: unknown): void {
  thread.notice(error instanceof VisitProblem ? error.message : 'Something went wrong. Please try again.')
}

function find<Type extends Element>(id: string, type: new () => Type): Type {
  const element = document.getElementById(id)
  if (!(element instanceof type)) throw new Error(`The page has no element #${id}.`)
  return element
}
