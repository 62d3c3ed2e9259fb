import { Anchor, type AnchorProps, Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import type { ComponentPropsWithRef } from 'react'

type AnchorRest = Omit<ComponentPropsWithRef<'a'>, keyof AnchorProps>
type ButtonRest = Omit<ComponentPropsWithRef<'a'>, keyof ButtonProps>

/** AnchorLink is a link in text to another screen, with typed parameters. */
export const AnchorLink = createLink((props: AnchorProps & AnchorRest) => <Anchor {...props} />)

/** ButtonLink looks like a button and is a link to another screen, with typed parameters. */
export const ButtonLink = createLink((props: ButtonProps & ButtonRest) => <Button component="a" {...props} />)
