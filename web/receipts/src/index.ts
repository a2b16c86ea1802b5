export { startReceipts, type Options, type Receipt, type Receipts } from './receipts';
export { verifyCountersignature } from './verify';
