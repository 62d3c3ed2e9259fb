import { stringify } from 'csv-stringify/sync'
import type { UsageHistory } from '../contract/usage-history.ts'

/**
 * usageCsv writes a history for a spreadsheet: a line per day, chatbot and channel, the amount in a column named like the
 * metric. What owners named themselves cannot become a formula (`=1+1` arrives as `'=1+1`); amounts are numbers, so that a
 * negative one keeps its sign and no apostrophe. The byte order mark is what makes Excel read UTF-8.
 */
export function usageCsv({ metric, days }: UsageHistory): string {
  return stringify(
    days.map(({ day, chatbotName, channel, amount, chatbotId }) => [day, chatbotName, channel, amount, chatbotId]),
    {
      header: true,
      columns: ['day', 'chatbot', 'channel', metric, 'chatbot_id'],
      bom: true,
      escape_formulas: true,
      record_delimiter: 'windows',
      // A line end in a name would else begin a line, and a formula at its start.
      quote_record_delimiter: true
    }
  )
}
