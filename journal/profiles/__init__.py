"""The patient's own settings: what to call them, what is treated, where and when their day is, what is asked."""
