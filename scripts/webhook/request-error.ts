/** RequestError is a request that cannot be met, in one sentence for the person at the keyboard. */
export class RequestError extends Error {}
