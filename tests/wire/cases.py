"""A table of cases for one test, cheaper than parametrize where the leak check costs more than a case."""


def each_of(names, cases):
    """Run the test once for each case, all within one test; the failing case stands in the traceback."""

    def over(test):
        def run():
            for case in cases:
                test(**dict(zip(names, case, strict=True)))

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return over
