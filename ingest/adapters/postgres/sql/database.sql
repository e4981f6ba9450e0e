-- name: name_database
-- Which database this is.
SELECT format('%s@%s', current_database(), system_identifier) FROM pg_control_system();
