import { micromark } from 'micromark'
import type { Citation } from '../../../server/src/contract/messages.ts'

/** AnswerView is an answer that is being written. */
export type AnswerView = {
  append: (text: string) => void
  cite: (citation: Citation) => void
  /** end: no more comes. `note` says what is unusual about it. */
  end: (note?: string) => void
  remove: () => void
}

/** Thread shows what was said. */
export type Thread = {
  question: (text: string) => { remove: () => void }
  answer: (text?: string) => AnswerView
  notice: (sentence: string) => void
  clear: () => void
}

/** createThread fills `log`, an element with role log: a reader of screens hears an answer once it is whole. */
export function createThread(log: HTMLElement): Thread {
  const add = (className: string): HTMLElement => {
    const element = document.createElement('div')
    element.className = className
    log.append(element)
    log.scrollTop = log.scrollHeight
    return element
  }
  // Who has scrolled up is reading, and is left alone.
  const follow = (change: () => void): void => {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60
    change()
    if (isAtEnd) log.scrollTop = log.scrollHeight
  }
  return {
    question(text) {
      const element = add('question')
      element.textContent = text
      return { remove: () => element.remove() }
    },
    answer(text = '') {
      const element = add('answer')
      element.setAttribute('aria-busy', 'true')
      const body = document.createElement('div')
      const sources = document.createElement('ul')
      sources.className = 'sources'
      element.append(body)
      let written = text
      const render = (): void => {
        // Raw HTML in the text is escaped, and dangerous addresses are dropped: micromark's default.
        body.innerHTML = micromark(written)
        for (const link of body.querySelectorAll('a')) {
          link.target = '_blank'
          link.rel = 'noopener noreferrer'
        }
      }
      if (written === '') body.innerHTML = '<span class="dots" role="img" aria-label="The answer is being written"><i></i><i></i><i></i></span>'
      else render()
      return {
        append(piece) {
          written += piece
          follow(render)
        },
        cite(citation) {
          follow(() => {
            if (!sources.isConnected) element.append(sources)
            sources.append(sourceItem(citation))
          })
        },
        end(note) {
          follow(() => {
            if (written === '') body.textContent = ''
            if (note !== undefined) element.append(noteOf(note))
            element.removeAttribute('aria-busy')
          })
        },
        remove: () => element.remove()
      }
    },
    notice(sentence) {
      const element = add('notice')
      element.setAttribute('role', 'alert')
      element.textContent = sentence
    },
    clear: () => log.replaceChildren()
  }
}

function sourceItem({ number, documentName, excerpt }: Citation): HTMLElement {
  const item = document.createElement('li')
  const details = document.createElement('details')
  const summary = document.createElement('summary')
  const quotation = document.createElement('blockquote')
  summary.textContent = `[${number}] ${documentName}`
  quotation.textContent = excerpt
  details.append(summary, quotation)
  item.append(details)
  return item
}

function noteOf(sentence: string): HTMLElement {
  const note = document.createElement('p')
  note.className = 'note'
  note.textContent = sentence
  return note
}
