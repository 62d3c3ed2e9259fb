import type { SignatureScheme } from '../../signature.ts'

/** PADDLE_SIGNATURE: `Paddle-Signature: ts=…;h1=…` over `ts:body` (developer.paddle.com, signature verification). */
export const PADDLE_SIGNATURE: SignatureScheme = {
  header: 'paddle-signature',
  separator: ';',
  timestampKey: 'ts',
  signatureKey: 'h1',
  joiner: ':'
}
