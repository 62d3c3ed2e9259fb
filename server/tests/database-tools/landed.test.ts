import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { landedChanges } from '../../../scripts/database/landed.ts'
import { createFolder } from '../support/folder.ts'

const FIRST = 'supabase/migrations/20260101000000_create_house.sql'
const SECOND = 'supabase/migrations/20260102000000_add_count.sql'

function git(folder: string, ...args: string[]): void {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false', '-c', 'init.defaultBranch=main']
  execFileSync('git', [...identity, ...args], { cwd: folder, stdio: 'ignore' })
}

function repository(): string {
  const folder = createFolder({ [FIRST]: 'select 1;\n' })
  git(folder, 'init')
  commit(folder, 'first')
  writeFileSync(join(folder, SECOND), 'select 2;\n')
  commit(folder, 'second')
  return folder
}

function commit(folder: string, message: string): void {
  git(folder, 'add', '-A')
  git(folder, 'commit', '-m', message)
}

test('unchanged and added migrations pass', () => {
  const folder = repository()
  writeFileSync(join(folder, 'supabase/migrations/20260103000000_add_more.sql'), 'select 3;\n')
  expect(landedChanges(folder)).toEqual([])
})

test('a modified migration is reported, committed or not', () => {
  const folder = repository()
  writeFileSync(join(folder, FIRST), 'select 0;\n')
  expect(landedChanges(folder)).toEqual([`${FIRST} was modified`])
  commit(folder, 'edit')
  expect(landedChanges(folder)).toEqual([`${FIRST} was modified`])
})

test('a deleted and a renamed migration are reported', () => {
  const folder = repository()
  rmSync(join(folder, FIRST))
  renameSync(join(folder, SECOND), join(folder, 'supabase/migrations/20260102000000_count.sql'))
  commit(folder, 'remove')
  expect(landedChanges(folder)).toEqual([`${FIRST} was deleted or renamed`, `${SECOND} was deleted or renamed`])
})

test('a branch may still change the migration it adds itself', () => {
  const folder = repository()
  git(folder, 'update-ref', 'refs/remotes/origin/main', 'HEAD~1')
  writeFileSync(join(folder, SECOND), 'select 22;\n')
  commit(folder, 'edit my own')
  expect(landedChanges(folder)).toEqual([])
  expect(landedChanges(folder, 'HEAD')).toEqual([`${SECOND} was modified`])
})

test('without a repository or a commit there is nothing to compare with', () => {
  const folder = createFolder({ [FIRST]: 'select 1;' })
  expect(landedChanges(folder)).toBeNull()
  git(folder, 'init')
  expect(landedChanges(folder)).toBeNull()
})

test('a base that git does not know is an error, not a pass', () => {
  expect(() => landedChanges(repository(), 'no-such-branch')).toThrow('no-such-branch')
})
