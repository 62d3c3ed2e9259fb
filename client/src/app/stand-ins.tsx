import { Text, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { plural } from '../lib/format.ts'
import { useConfig } from './config-context.ts'

/** StandIns tells whoever runs Parley which parts are not the real ones; nothing where all are. */
export function StandIns() {
  const { standIns } = useConfig()
  const [isOpen, { toggle }] = useDisclosure(false)
  if (standIns.length === 0) return null
  return (
    <>
      {isOpen && (
        <ul className="stand-ins" id="stand-ins">
          {standIns.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      <UnstyledButton p="xs" onClick={toggle} aria-expanded={isOpen} aria-controls="stand-ins">
        <Text size="xs" c="dimmed">Runs on {plural(standIns.length, 'local stand-in')}</Text>
      </UnstyledButton>
    </>
  )
}
