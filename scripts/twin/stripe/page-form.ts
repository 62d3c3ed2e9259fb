import express from 'express'

/** readForm reads the form of a hosted page; names stay flat, and a value is a text. */
export const readForm = express.urlencoded({ extended: false, limit: '10kb' })
