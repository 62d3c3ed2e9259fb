import { Button, Group, NumberInput, Stack, Switch, TagsInput, Textarea } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { type FormEvent, useState } from 'react'
import type { WidgetSettings } from '../../../../server/src/contract/widget.ts'
import { ProblemAlert } from '../../kit/problem-alert.tsx'
import { type FieldErrors, fieldErrorsOf } from '../../lib/field-errors.ts'
import type { Change } from './widget-settings-page.tsx'

/** Rules: whether the widget is on, which sites may embed it, how fast a visitor may ask, and what one reads who cannot. */
export function Rules({ widget, onChange }: { widget: WidgetSettings; onChange: Change }) {
  const [enabled, setEnabled] = useState(widget.enabled)
  const [origins, setOrigins] = useState(widget.allowedOrigins)
  const [perHour, setPerHour] = useState<number | string>(widget.messagesPerVisitorPerHour)
  const [sentence, setSentence] = useState(widget.unavailableMessage)
  const [problem, setProblem] = useState<Error | null>(null)
  const [isBusy, setIsBusy] = useState(false)
  const errors = fieldErrorsOf(problem)

  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setIsBusy(true)
    const failed = await onChange({
      enabled,
      allowedOrigins: origins,
      messagesPerVisitorPerHour: Number(perHour),
      unavailableMessage: sentence
    })
    setIsBusy(false)
    setProblem(failed)
    if (failed === null) notifications.show({ message: 'Saved.' })
  }

  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      <Stack>
        <Switch
          label="The widget is on"
          description="Off, sites that carry the snippet show no chat."
          checked={enabled}
          onChange={(event) => setEnabled(event.currentTarget.checked)}
        />
        <TagsInput
          label="Sites that may embed it"
          description="One origin each, such as https://www.example.com. Without any, no site may. This stops other sites, not programs."
          placeholder={origins.length === 0 ? 'https://www.example.com' : ''}
          value={origins}
          onChange={setOrigins}
          acceptValueOnBlur
          error={errorOf(errors, 'allowedOrigins')}
        />
        <NumberInput
          label="Messages of one visitor in an hour"
          description="A visitor who asks faster is asked to wait. The quota of your plan and the cap of this chatbot count besides."
          min={1}
          max={10_000}
          allowDecimal={false}
          value={perHour}
          onChange={setPerHour}
          error={errorOf(errors, 'messagesPerVisitorPerHour')}
        />
        <Textarea
          label="What visitors read when no answer can be given"
          description="For example when your plan has no more messages. They read this and nothing about plans; you see the cause here."
          value={sentence}
          onChange={(event) => setSentence(event.currentTarget.value)}
          maxLength={500}
          autosize
          minRows={2}
          error={errorOf(errors, 'unavailableMessage')}
        />
        {Object.keys(errors).length === 0 && <ProblemAlert error={problem} />}
        <Group>
          <Button type="submit" loading={isBusy}>Save</Button>
        </Group>
      </Stack>
    </form>
  )
}

// A field of a list is named with its place, `allowedOrigins.1`.
function errorOf(errors: FieldErrors, field: keyof WidgetSettings): string | undefined {
  return Object.entries(errors).find(([name]) => name === field || name.startsWith(`${field}.`))?.[1]
}
