import styles from './meter.module.css'
import { fullnessOf, SOFT_MARK_PERCENT } from './meter-state.ts'

/** MeterBar shows how full something is; `text` says the same in words, since colour and length are not for everybody. */
export function MeterBar({ label, used, quota, text }: { label: string; used: number; quota: number; text: string }) {
  const { kind, percent } = fullnessOf(used, quota)
  return (
    <div
      className={styles['track']}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      // A quota of nothing would be a meter without a span.
      aria-valuemax={Math.max(quota, 1)}
      aria-valuenow={quota === 0 ? 1 : Math.max(0, Math.min(used, quota))}
      aria-valuetext={text}
    >
      {used > 0 && <div className={styles['fill']} data-state={kind} style={{ width: `${Math.min(100, percent)}%` }} />}
      <div className={styles['mark']} style={{ left: `${SOFT_MARK_PERCENT}%` }} />
      <div className={styles['mark']} data-hard="" />
    </div>
  )
}
