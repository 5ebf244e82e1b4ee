# SPDX-License-Identifier: Apache-2.0
"""Block masks: the object, its tables, and how it is made."""
