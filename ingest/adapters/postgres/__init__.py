"""PostgreSQL: the only truth. One store for each table; SQL in named statements beside them."""
