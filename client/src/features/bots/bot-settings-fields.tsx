import { NumberInput, Select, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'
import { useConfig } from '../../app/config-context.ts'
import { useApi } from '../../lib/api-context.tsx'
import type { FieldErrors } from '../../lib/field-errors.ts'
import { plural } from '../../lib/format.ts'
import { LocalTime } from '../../lib/local-time.tsx'
import { usageQuery } from '../../lib/queries.ts'
import { type BotSettings, capOf, type SettingsDraft } from './settings-draft.ts'

type BotSettingsFieldsProps = {
  bot: ChatbotBody
  values: BotSettings
  errors: FieldErrors
  onChange: (change: SettingsDraft) => void
}

/** BotSettingsFields are the fields of a chatbot's settings, each with what is wrong with it. */
export function BotSettingsFields({ bot, values, errors, onChange }: BotSettingsFieldsProps) {
  return (
    <Stack>
      <TextInput
        label="Name"
        value={values.name}
        error={errors['name']}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
        required
      />
      <Textarea
        label="Instructions"
        description="How it answers: its tone, what it leaves to people. At most 8,000 characters."
        placeholder="For example: Answer briefly and kindly. Send questions about prices to sales."
        autosize
        minRows={4}
        maxRows={16}
        value={values.instructions}
        error={errors['instructions']}
        onChange={(event) => onChange({ instructions: event.currentTarget.value })}
      />
      <Textarea
        label="Welcome message"
        description="What it says before anybody asks. It does not count as a message."
        placeholder="For example: Hello, how can I help?"
        autosize
        minRows={2}
        maxRows={6}
        value={values.welcomeMessage}
        error={errors['welcomeMessage']}
        onChange={(event) => onChange({ welcomeMessage: event.currentTarget.value })}
      />
      <ModelField stored={bot.model} value={values.model} error={errors['model']} onChange={(model) => onChange({ model })} />
      <CapField bot={bot} value={values.monthlyMessageCap} error={errors['monthlyMessageCap']} onChange={onChange} />
    </Stack>
  )
}

type ModelFieldProps = {
  stored: string | null
  value: string | null
  error: string | undefined
  onChange: (model: string | null) => void
}

function ModelField({ stored, value, error, onChange }: ModelFieldProps) {
  const { models } = useConfig()
  if (models.length === 0) {
    return (
      <div>
        <Text size="sm" fw={600}>Model</Text>
        <Text size="sm" c="dimmed">
          Answers are quotations from the documents: whoever runs this Parley has connected no language model.
        </Text>
      </div>
    )
  }
  const names = stored === null || models.includes(stored) ? models : [stored, ...models]
  return (
    <Select
      label="Model"
      description="The language model that writes the answers."
      placeholder="The usual one of this service"
      data={names}
      value={value}
      error={error}
      onChange={onChange}
      clearable
      clearButtonProps={{ 'aria-label': 'Use the usual model' }}
    />
  )
}

type CapFieldProps = {
  bot: ChatbotBody
  value: number | null
  error: string | undefined
  onChange: (change: SettingsDraft) => void
}

function CapField({ bot, value, error, onChange }: CapFieldProps) {
  const { data: usage } = useQuery(usageQuery(useApi()))
  return (
    <Stack gap={4}>
      <NumberInput
        label="Monthly message cap"
        description="The most messages it may answer in a month, so that it does not use up your plan alone. Empty is no cap."
        placeholder="No cap"
        min={1}
        allowDecimal={false}
        allowNegative={false}
        thousandSeparator
        value={value ?? ''}
        error={error}
        onChange={(typed) => onChange({ monthlyMessageCap: capOf(typed) })}
      />
      <Text size="sm" c="dimmed">
        {plural(bot.messagesThisWindow, 'message')} so far this month
        {usage?.resetsAt && <>, which starts again on <LocalTime instant={usage.resetsAt} as="zoned" /></>}.
      </Text>
    </Stack>
  )
}
