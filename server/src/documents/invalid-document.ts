/** InvalidDocument: an upload Parley cannot read. The message is a full sentence for the person who uploaded it. */
export class InvalidDocument extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'InvalidDocument'
  }
}
