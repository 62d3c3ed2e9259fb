/** CHANNEL_NAMES are the ways a message comes in, in words. */
export const CHANNEL_NAMES = { playground: 'Playground', widget: 'Widget', api: 'API' }
