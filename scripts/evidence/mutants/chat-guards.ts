import { type Mutant, pgtap, races } from './mutant.ts'

const FUNCTIONS = 'supabase/schemas/functions'
const INTERNAL = 'supabase/schemas/internal'
const VISITOR_ANSWER = `${FUNCTIONS}/begin_visitor_answer.sql`
const VISIT = `${FUNCTIONS}/open_visit.sql`

/** CHAT_GUARDS are those of chatbots, answers, the widget and what is repeated with an idempotency key. */
export const CHAT_GUARDS: Mutant[] = [
  {
    id: 'key-of-another-request',
    guard: 'an idempotency key that was used for another request is refused',
    file: `${INTERNAL}/claim_request.sql`,
    find: ' or v_key.fingerprint <> p_fingerprint',
    replace: '',
    tests: [pgtap('internal/claim_request')],
    quick: true
  },
  {
    id: 'key-on-conflict',
    guard: 'ON CONFLICT on an idempotency key: a repeat finds what the first call made',
    file: `${INTERNAL}/claim_request.sql`,
    find: '  on conflict (account_id, request_id) do nothing;',
    replace: ';',
    tests: [pgtap('internal/claim_request')]
  },
  {
    id: 'level-refused-by-its-trigger',
    guard: 'a row beyond the quota of its level is refused, whichever path inserts it',
    file: `${INTERNAL}/move_gauge.sql`,
    find: 'if not v_decision.allowed then',
    replace: 'if false then',
    tests: [pgtap('internal/move_gauge')],
    quick: true
  },
  {
    id: 'read-only-chatbot',
    guard: 'a chatbot the plan does not hold takes no documents and answers nothing',
    file: `${INTERNAL}/require_writable_chatbot.sql`,
    find: 'if exists (select from app.read_only_chatbots(p_account_id) r (id) where r.id = p_chatbot_id) then',
    replace: 'if false then',
    tests: [pgtap('internal/require_writable_chatbot')],
    quick: true
  },
  {
    id: 'question-lock',
    guard: 'the lock on a question: of two who want its answer anew one waits for the other',
    file: `${INTERNAL}/lock_question.sql`,
    find: '  for no key update;',
    replace: ';',
    tests: [races('answer-races', 'of ten who want one answer anew|an answer and the failed one that was to replace it')],
    survives:
      'who waits here would else wait at the counter of messages, which every answer begins with, and looks again once it has it; ' +
      'the lock only makes them wait earlier, with less in their hands'
  },
  {
    id: 'only-the-last-answer-anew',
    guard: 'only the last answer of a conversation can be given anew',
    file: `${INTERNAL}/replace_answers.sql`,
    find: '  if exists (',
    replace: '  if false and exists (',
    tests: [pgtap('internal/replace_answers')]
  },
  {
    id: 'overrun-is-not-charged',
    guard: 'what an answer took beyond the quota is noted, not charged',
    file: `${INTERNAL}/charge_up_to_quota.sql`,
    find: 'greatest(0, least(p_amount, coalesce(v_quota, 9007199254740991) - before.used))',
    replace: 'p_amount',
    tests: [pgtap('internal/charge_up_to_quota')],
    quick: true
  },
  {
    id: 'overrun-locks-the-counter',
    guard: 'what an answer took beyond its estimate is charged by the plan that holds once the counter is locked',
    file: `${INTERNAL}/charge_up_to_quota.sql`,
    find: `  perform from app.counters c
  where c.account_id = p_account_id and c.metric = p_metric and c.window_start = p_window_start
  for update;\n`,
    replace: '',
    tests: [races('held-locks', 'an overrun')]
  },
  {
    id: 'give-back-not-below-zero',
    guard: 'no more is given back than is used',
    file: `${INTERNAL}/return_usage.sql`,
    find: 'given := least(coalesce(v_used, 0), p_most);',
    replace: 'given := p_most;',
    tests: [pgtap('internal/return_usage')],
    quick: true
  },
  {
    id: 'give-back-locks-the-counter',
    guard: 'the row lock: what is given back is taken from what the counter is by then',
    file: `${INTERNAL}/return_usage.sql`,
    find: `and c.window_start = return_usage.window_start
    for update;`,
    replace: 'and c.window_start = return_usage.window_start;',
    tests: [races('give-back-races', 'a give-back that had to wait')]
  },
  {
    id: 'give-back-looks-again',
    guard: 'a give-back that had to wait is told the quota and the window that are in force then',
    file: `${INTERNAL}/return_usage.sql`,
    find: `    v_locked := window_start;
  end loop;`,
    replace: `    exit;
  end loop;`,
    tests: [races('give-back-races', 'a give-back that had to wait')]
  },
  {
    id: 'give-back-waits-once',
    guard: 'a give-back whose window changed while it waited is rolled back: it waits for no other counter with this one in its hands',
    file: `${INTERNAL}/return_usage.sql`,
    find: 'if v_locked is not null then',
    replace: 'if false then',
    tests: [races('held-windows', 'a give-back is rolled back at once')]
  },
  {
    id: 'new-plan-and-new-metric',
    guard: 'the table lock: a plan and a metric added at once get a quota for each other',
    file: 'supabase/schemas/triggers/complete_plan_quotas.sql',
    find: 'lock table app.plan_quotas in share row exclusive mode;',
    replace: '',
    tests: [races('review-races', 'a plan and a metric added at once')]
  },
  {
    id: 'visitor-limit',
    guard: 'a visitor has a number of messages in an hour',
    file: VISITOR_ANSWER,
    find: 'if v_visitor.messages >= v_limit then',
    replace: 'if false then',
    tests: [pgtap('begin_visitor_answer')],
    quick: true
  },
  {
    id: 'visitor-lock',
    guard: 'the lock on the visitor: messages sent at once are counted one after the other',
    file: VISITOR_ANSWER,
    find: `where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.id = p_visitor_id
  for no key update;`,
    replace: 'where v.account_id = p_account_id and v.chatbot_id = p_chatbot_id and v.id = p_visitor_id;',
    tests: [races('visitor-races', '20 messages of one visitor at a limit of 5')]
  },
  {
    id: 'visitor-keys-are-apart',
    guard: 'a visitor’s idempotency keys meet neither those of the owner nor of other visitors',
    file: VISITOR_ANSWER,
    find: `'visitor:' || p_visitor_id || ':' || encode(sha256(convert_to(p_request_id, 'UTF8')), 'hex')`,
    replace: 'p_request_id',
    tests: [pgtap('begin_visitor_answer')]
  },
  {
    id: 'widget-switched-off',
    guard: 'a widget that is switched off answers nobody',
    file: VISITOR_ANSWER,
    find: ' and w.enabled',
    replace: '',
    tests: [pgtap('begin_visitor_answer')]
  },
  {
    id: 'token-of-a-signed-in-visit',
    guard: 'whoever finds the token of a signed-in visitor does not get at the conversation by it',
    file: VISIT,
    find: 'and v.token_sha256 = p_earlier_token_sha256 and v.external_id is null',
    nth: 1,
    replace: 'and v.token_sha256 = p_earlier_token_sha256',
    tests: [pgtap('open_visit')],
    quick: true
  },
  {
    id: 'visit-of-another-identity',
    guard: 'somebody who signs in does not take the visit of another identity over',
    file: VISIT,
    find: 'and v.token_sha256 = p_earlier_token_sha256 and v.external_id is null',
    nth: 2,
    replace: 'and v.token_sha256 = p_earlier_token_sha256',
    tests: [pgtap('open_visit')]
  },
  {
    id: 'identity-lock',
    guard: 'the lock on the widget: two first visits of one identity are one visit',
    file: VISIT,
    find: 'where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id for no key update;',
    replace: 'where w.account_id = p_account_id and w.chatbot_id = p_chatbot_id;',
    tests: [races('held-locks', 'two first visits of one identity')]
  },
  {
    id: 'origin-in-the-policy',
    guard: 'an allowed origin is one origin: what would widen the policy of the page is refused',
    file: `${FUNCTIONS}/update_widget.sql`,
    find: `if v_origin is null or length(v_origin) > 300 or v_origin !~ '^https?://([a-z0-9._-]+|\\[[0-9a-f:.]+\\])(:[0-9]{1,5})?$' then`,
    replace: 'if false then',
    tests: [pgtap('update_widget')]
  },
  {
    id: 'widget-made-once',
    guard: 'ON CONFLICT: the widget of a chatbot is made once, and keeps its key and secret',
    file: `${FUNCTIONS}/ensure_widget.sql`,
    find: '  on conflict (account_id, chatbot_id) do nothing;',
    replace: ';',
    tests: [pgtap('ensure_widget')]
  },
  {
    id: 'clock-of-production',
    guard: 'the clock of a production database cannot be moved',
    file: `${FUNCTIONS}/move_clock.sql`,
    find: `if v_environment.kind <> 'sandbox' then`,
    replace: 'if false then',
    tests: [pgtap('move_clock')],
    quick: true
  },
  {
    id: 'clock-goes-forward',
    guard: 'the clock only goes forward',
    file: `${FUNCTIONS}/move_clock.sql`,
    find: `if p_to < app.clock() - interval '1 second' then`,
    replace: 'if false then',
    tests: [pgtap('move_clock')]
  },
  {
    id: 'page-limit',
    guard: 'no caller takes more rows at once than a page has',
    file: `${INTERNAL}/check_page_limit.sql`,
    find: 'if p_limit is null or p_limit not between 1 and 100 then',
    replace: 'if false then',
    tests: [pgtap('internal/check_page_limit')]
  }
]
