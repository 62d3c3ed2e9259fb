/** RAZORPAY_SIGNATURE is the header with the hex HMAC-SHA256 of the raw body (razorpay.com/docs/webhooks/validate-test). */
export const RAZORPAY_SIGNATURE = 'x-razorpay-signature'
