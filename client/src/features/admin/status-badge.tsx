import { Badge } from '@mantine/core'
import type { CheckIcon } from '../../lib/icons.tsx'
import styles from './status.module.css'

/** StatusLook is what goes with the word of a status: a colour, and a sign for those who do not tell colours apart. */
export type StatusLook = { color: string; icon: typeof CheckIcon }

/** StatusBadge tells how something stands by word, sign and colour. */
export function StatusBadge({ look: { color, icon: Icon }, children }: { look: StatusLook; children: string }) {
  return (
    <Badge
      variant="light"
      color={color}
      tt="none"
      // The light variants' own shades are too pale on their backgrounds.
      c="var(--mantine-color-text)"
      {...(styles['badge'] !== undefined && { className: styles['badge'] })}
      leftSection={<span className={styles['sign']}><Icon /></span>}
    >
      {children}
    </Badge>
  )
}
