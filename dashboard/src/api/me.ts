import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from './client.ts'
import { keys } from './keys.ts'
import type { components } from './schema.ts'
import type { Task } from './task.ts'

/** Who is signed in, as the API returns it. */
type Me = components['schemas']['Me']
/** What somebody may do. */
export type Need = Me['may'][number]
/** What somebody is. */
export type Role = Me['role']

/** The role from which on somebody may do it. */
export const roleFor: Readonly<Record<Need, Role>> = {
  read: 'viewer',
  write: 'author',
  operate: 'operator',
  administer: 'admin',
}

/** Reads who is signed in. */
export function useMe() {
  return useQuery({
    queryKey: keys.me,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/me', { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/**
 * Returns whether the person may do something: what they may not do is not offered. False until the server has said who they are; true where it
 * cannot say it, for the server has the last word.
 */
export function useMay(need: Need): boolean {
  const { data, isError } = useMe()
  return data === undefined ? isError : data.may.includes(need)
}

/** Returns whether the person sees what all users have, and may do something with it. */
export function useMayForAll(need: Need): boolean {
  const { data } = useMe()
  return useMay(need) && data?.sees !== 'own'
}

/** Returns what says whether the person may act on a task: on one of their own as an author, on one of another user as an operator. */
export function useMayAct(): (task: Pick<Task, 'userId'>) => boolean {
  const { data } = useMe()
  const [canWrite, canOperate] = [useMay('write'), useMay('operate')]
  return ({ userId }) => canWrite && (canOperate || data === undefined || userId === data.userId)
}

/** Returns whether the person may act on all tasks that they see. */
export function useMayActOnAll(): boolean {
  const { data } = useMe()
  const [canWrite, canOperate] = [useMay('write'), useMay('operate')]
  return canWrite && (canOperate || data?.sees !== 'all')
}
