"""The life of a job around its stages: how it is accepted, and how a failed attempt ends."""
