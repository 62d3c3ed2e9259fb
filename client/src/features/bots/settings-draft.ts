import type { ChatbotBody } from '../../../../server/src/contract/chatbots.ts'

/** BotSettings are the fields of a chatbot that its owner writes; an empty cap or model is null. */
export type BotSettings = Pick<ChatbotBody, 'name' | 'instructions' | 'welcomeMessage' | 'model' | 'monthlyMessageCap'>

/** SettingsDraft is what was typed over a chatbot's settings. Fields nobody touched follow what is stored. */
export type SettingsDraft = Partial<BotSettings>

const FIELDS = ['name', 'instructions', 'welcomeMessage', 'model', 'monthlyMessageCap'] as const

/** valuesOf is what the form shows. */
export function valuesOf(bot: BotSettings, draft: SettingsDraft): BotSettings {
  const { name, instructions, welcomeMessage, model, monthlyMessageCap } = bot
  return { name, instructions, welcomeMessage, model, monthlyMessageCap, ...draft }
}

/** changeOf is what saving would send: only what differs from what is stored. Empty where nothing does. */
export function changeOf(bot: BotSettings, draft: SettingsDraft): SettingsDraft {
  const changed = FIELDS.filter((field) => field in draft && draft[field] !== bot[field])
  return Object.fromEntries(changed.map((field) => [field, draft[field]]))
}

/** capOf reads what the number field gives: nothing is no cap. */
export function capOf(value: number | string | bigint): number | null {
  if (value === '') return null
  const cap = Number(value)
  return Number.isFinite(cap) ? cap : null
}
