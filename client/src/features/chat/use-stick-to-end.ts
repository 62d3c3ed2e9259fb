import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

const NEAR_PX = 64

/**
 * useStickToEnd keeps a scrolling box (`scroller`) at its end while what is in it (`content`) grows, until its reader scrolls
 * up. `firstId` names the first row: when older ones come before it, what is being read stays where it is.
 */
export function useStickToEnd(firstId: string | undefined) {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const [isAtEnd, setIsAtEnd] = useState(true)
  const sticks = useRef(true)
  const heightBefore = useRef(0)
  const first = useRef(firstId)

  const toEnd = useCallback(() => {
    sticks.current = true
    setIsAtEnd(true)
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight })
  }, [])

  const onScroll = useCallback(() => {
    const element = scroller.current
    if (element === null) return
    sticks.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
    setIsAtEnd(sticks.current)
  }, [])

  useLayoutEffect(() => {
    const element = scroller.current
    if (element !== null && first.current !== firstId && first.current !== undefined && !sticks.current) {
      element.scrollBy({ top: element.scrollHeight - heightBefore.current })
    }
    first.current = firstId
  }, [firstId])

  // The height before the next rows come.
  useLayoutEffect(() => {
    heightBefore.current = scroller.current?.scrollHeight ?? 0
  })

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (sticks.current) scroller.current?.scrollTo({ top: scroller.current.scrollHeight })
    })
    if (content.current !== null) observer.observe(content.current)
    if (scroller.current !== null) observer.observe(scroller.current)
    return () => observer.disconnect()
  }, [])

  return { scroller, content, isAtEnd, toEnd, onScroll }
}
