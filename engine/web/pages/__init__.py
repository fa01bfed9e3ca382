"""The pages: for clinicians a form with answers, for reviewers the guideline itself, for authors a playground.

A patient's record exists only in the request that brings it and the page that answers it: nothing is kept, nothing is
logged, nothing stands in an address or a cookie.
"""
