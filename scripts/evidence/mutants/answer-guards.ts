import { type Mutant, pgtap, races } from './mutant.ts'

const BEGIN = 'supabase/schemas/functions/begin_answer.sql'
const FINISH = 'supabase/schemas/functions/finish_answer.sql'
const SETTLE = 'supabase/schemas/functions/settle_usage.sql'
const SWEEP = 'supabase/schemas/functions/release_expired_reservations.sql'

/** ANSWER_GUARDS make an answer cost what it took, once, however it begins and ends. */
export const ANSWER_GUARDS: Mutant[] = [
  {
    id: 'reservation-settled-once',
    guard: 'a reservation that is settled is not settled again',
    file: SETTLE,
    find: 'if not replayed then',
    replace: 'if true then',
    tests: [pgtap('settle_usage')],
    quick: true
  },
  {
    id: 'reservation-lock',
    guard: 'the row lock on a reservation: of two that settle it at once one does',
    file: SETTLE,
    find: `  where r.account_id = p_account_id and r.request_id = p_request_id
  for update;`,
    replace: '  where r.account_id = p_account_id and r.request_id = p_request_id;',
    tests: [races('held-locks', 'a reservation')]
  },
  {
    id: 'reservation-of-another-amount',
    guard: 'a reservation that was settled to one number is not told as settled to another',
    file: SETTLE,
    find: `if v_reservation.status = 'settled' and v_reservation.settled + v_reservation.overrun <> p_amount then`,
    replace: 'if false then',
    tests: [pgtap('settle_usage')]
  },
  {
    id: 'free-answer-leaves-the-cap',
    guard: 'an answer that costs nothing does not count against the cap of its chatbot',
    file: SETTLE,
    find: `if p_amount = 0 and v_reservation.metric = 'messages' and v_reservation.operation = 'answer' and v_reservation.message_id is not null then`,
    replace: 'if false then',
    tests: [pgtap('settle_usage', 'begin_answer.cap')]
  },
  {
    id: 'reservation-made-once',
    guard: 'a reservation that is asked for again is not made again',
    file: 'supabase/schemas/internal/reserve.sql',
    find: 'if v_decision.allowed and not v_decision.replayed then',
    replace: 'if v_decision.allowed then',
    tests: [pgtap('reserve_usage', 'internal/reserve')]
  },
  {
    id: 'refused-reservation',
    guard: 'what was refused holds no reservation',
    file: 'supabase/schemas/internal/reserve.sql',
    find: 'if v_decision.allowed and not v_decision.replayed then',
    replace: 'if not v_decision.replayed then',
    tests: [pgtap('reserve_usage', 'internal/reserve')],
    quick: true
  },
  {
    id: 'answer-within-the-cap',
    guard: 'a chatbot gives no more answers than its own cap',
    file: BEGIN,
    find: 'if v_counted > v_cap then',
    replace: 'if false then',
    tests: [pgtap('begin_answer.cap')],
    quick: true
  },
  {
    id: 'answer-refused-whole',
    guard: 'an answer that is refused for one metric takes nothing of the others',
    file: BEGIN,
    find: 'if not v_decision.allowed then\n        raise',
    replace: `if not v_decision.allowed and v_charge.metric = 'messages' then\n        raise`,
    tests: [pgtap('begin_answer')]
  },
  {
    id: 'answer-of-its-caller',
    guard: 'a call repeated because its connection was lost knows its answer again',
    file: BEGIN,
    find: '  if found then\n    return next;\n    return;',
    replace: '  if false then\n    return next;\n    return;',
    tests: [pgtap('begin_answer.repeat')]
  },
  {
    id: 'answer-of-its-account',
    guard: 'nobody asks in a conversation of another account',
    file: BEGIN,
    find: 'where c.account_id = p_account_id and c.chatbot_id = p_chatbot_id and c.id = p_conversation_id\n  for key share;',
    replace: 'where c.id = p_conversation_id\n  for key share;',
    tests: [pgtap('begin_answer')]
  },
  {
    id: 'answer-holds-its-chatbot',
    guard: 'the shared lock of a chatbot: its deletion waits for the answer that begins',
    file: BEGIN,
    find: '  perform from app.chatbots b where b.account_id = p_account_id and b.id = p_chatbot_id for key share;\n',
    replace: '',
    tests: [races('answer-races', 'waits for the first answer')]
  },
  {
    id: 'failed-answer-is-free',
    guard: 'an answer that failed, or was stopped before its first word, costs nothing',
    file: FINISH,
    find: `p_status = 'failed' or (p_status = 'stopped' and coalesce(p_output_tokens, 0) = 0)`,
    replace: 'false',
    tests: [pgtap('finish_answer')],
    quick: true
  },
  {
    id: 'answer-ends-once',
    guard: 'an answer that has ended stays as it is',
    file: FINISH,
    find: `if status = 'streaming' then`,
    replace: 'if true then',
    tests: [pgtap('finish_answer')],
    quick: true
  },
  {
    id: 'answer-end-locks-message',
    guard: 'the lock on the message: an end waits for the sweeper that has the answer',
    file: FINISH,
    find: 'where m.account_id = p_account_id and m.id = p_message_id for update;',
    replace: 'where m.account_id = p_account_id and m.id = p_message_id;',
    tests: [races('review-races', 'an end waits for the sweeper')]
  },
  {
    id: 'answer-end-locks-reservations',
    guard: 'the locks on all reservations of an answer: two ends of one whose message is gone are one',
    file: FINISH,
    find: `  where r.account_id = p_account_id and r.request_id = any (v_request_ids)
  order by r.request_id
  for update;`,
    replace: '  where r.account_id = p_account_id and r.request_id = any (v_request_ids);',
    tests: [races('review-races', 'of two ends of an answer whose conversation was deleted')]
  },
  {
    id: 'sweeper-skips-the-answer',
    guard: 'the sweeper locks an answer before its reservations, as its end does, and passes over one that is being finished',
    file: SWEEP,
    find: `      where m.account_id = v_expired.account_id and m.id = v_expired.message_id
      for update skip locked;`,
    replace: '      where m.account_id = v_expired.account_id and m.id = v_expired.message_id;',
    tests: [races('held-locks', 'a sweeper has locked the message')]
  },
  {
    id: 'sweeper-skips-the-reservation',
    guard: 'two sweepers never release the same reservation, nor wait for each other',
    file: SWEEP,
    find: `and r.request_id = v_expired.request_id and r.status = 'open'
    for update skip locked;`,
    replace: `and r.request_id = v_expired.request_id and r.status = 'open';`,
    tests: [races('held-locks', 'a sweeper passes over')]
  },
  {
    id: 'sweeper-only-the-expired',
    guard: 'only what has expired is released',
    file: SWEEP,
    find: `r.status = 'open' and r.expires_at <= app.clock()`,
    replace: `r.status = 'open'`,
    tests: [pgtap('release_expired_reservations')],
    quick: true
  },
  {
    id: 'sweeper-lock-order',
    guard: 'the sweeper locks counters in the order of everybody',
    file: SWEEP,
    find: 'order by page.account_id, page.metric, page.window_start, page.request_id',
    replace: 'order by page.request_id desc',
    tests: [races('review-races', 'the sweeper and a new answer of the same account')]
  }
]
