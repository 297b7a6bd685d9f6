export { Modal, TextInput } from '@mantine/core'
