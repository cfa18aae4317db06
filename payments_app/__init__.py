"""The payments portal: customers see and make payments, staff watch them live."""
