import { Anchor, type AnchorProps, Button, type ButtonProps, NavLink, type NavLinkProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { forwardRef } from 'react'

/** A link in running text. Takes the addresses of the router, typed. */
export const TextLink = createLink(
  forwardRef<HTMLAnchorElement, AnchorProps>(function TextLink(props, ref) {
    return <Anchor ref={ref} {...props} />
  }),
)

/** A link that looks like a button, for the next step. */
export const ButtonLink = createLink(
  forwardRef<HTMLAnchorElement, ButtonProps>(function ButtonLink(props, ref) {
    return <Button component="a" ref={ref} {...props} />
  }),
)

/** An entry of the navigation. */
export const EntryLink = createLink(
  forwardRef<HTMLAnchorElement, NavLinkProps>(function EntryLink(props, ref) {
    return <NavLink ref={ref} {...props} />
  }),
)
