"""Razorpay's dialect: orders, payment links, payments, refunds and UPI QR codes."""
