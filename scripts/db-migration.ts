import { Command } from 'commander'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeMigration, RequestError } from './database/new-migration.ts'
import { SUPABASE_FOLDER } from './database/schema-files.ts'

const command = new Command('npm run db:migration --')
  .description(
    'Writes supabase/migrations/<UTC time>_<verb_noun>.sql with the named files of supabase/schemas pasted in, and, when ' +
      'they define functions, a rollback of the same name. Add drops, column changes and data by hand, then npm run db:parity.'
  )
  .argument('<verb_noun>', 'what the migration does, such as add_release_quota')
  .argument('<files...>', 'files below supabase/schemas, such as functions/release_quota.sql')
  .action((name: string, files: string[]) => {
    const migration = composeMigration({ name, files, now: new Date() })
    write('migrations', migration.file, migration.sql)
    if (migration.rollback !== null) write('rollbacks', migration.file, migration.rollback)
  })

function write(folder: string, file: string, text: string): void {
  mkdirSync(join(SUPABASE_FOLDER, folder), { recursive: true })
  writeFileSync(join(SUPABASE_FOLDER, folder, file), text, { flag: 'wx' })
  console.log(`wrote supabase/${folder}/${file}`)
}

try {
  command.parse()
} catch (error) {
  if (!(error instanceof RequestError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
